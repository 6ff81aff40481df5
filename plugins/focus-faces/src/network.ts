import * as layer from "./layers.ts";
import { type Model, type Operation, readModel, type Tensor } from "./tflite.ts";

/** `BuiltinOperator` of the schema. */
const OP_ADD = 0;
const CONV_2D = 3;
const DEPTHWISE_CONV_2D = 4;
const DEQUANTIZE = 6;
const MAX_POOL_2D = 17;
const RELU = 19;
const RESHAPE = 22;
const RESIZE_BILINEAR = 23;
const OP_PAD = 34;

/** Fields of the options of convolutions: the stride across, for both. */
const STRIDE = 1;

/** A network: samples in, samples out, one list an output. */
export type Network = (input: Float32Array) => readonly Float32Array[];

/** The network of a TensorFlow Lite file. Throws `RangeError` for one that needs more than is known here. */
export function readNetwork(bytes: Uint8Array): Network {
  const model = readModel(bytes);
  const unknown = model.operations.find(({ code }) => !(code in LAYERS));
  if (unknown) throw new RangeError(`Expected operations that are known but received ${unknown.code}`);
  const constants = new Set(model.tensors.filter(({ data }) => data));
  return (input) => {
    (model.tensors[model.input] as Tensor).data = input;
    for (const operation of model.operations) carryOut(operation, model);
    const results = model.outputs.map((index) => model.tensors[index]?.data as Float32Array);
    for (const tensor of model.tensors) if (!constants.has(tensor)) delete tensor.data;
    return results;
  };
}

type Layer = (inputs: readonly Tensor[], to: layer.Picture, operation: Operation) => void;

const picture = (tensor: Tensor | undefined): layer.Picture => {
  const [, rows = 1, columns = 1, channels = 1] = tensor?.shape ?? [];
  return { data: tensor?.data as Float32Array, shape: { rows, columns, channels } };
};

const kernel = (weights: Tensor | undefined, bias: Tensor | undefined): layer.Kernel => {
  const [, rows = 1, columns = 1] = weights?.shape ?? [];
  return { weights: weights?.data as Float32Array, bias: bias?.data as Float32Array, rows, columns };
};

const LAYERS: Readonly<Record<number, Layer | "same">> = {
  [OP_ADD]: ([one, other], to) => layer.add(picture(one), picture(other), to),
  [CONV_2D]: ([from, weights, bias], to, { int }) =>
    layer.convolve(picture(from), kernel(weights, bias), int(STRIDE), to),
  [DEPTHWISE_CONV_2D]: ([from, weights, bias], to, { int }) =>
    layer.convolveChannels(picture(from), kernel(weights, bias), int(STRIDE), to),
  // Halves have been read as 32 bits already.
  [DEQUANTIZE]: "same",
  [MAX_POOL_2D]: ([from], to) => layer.halve(picture(from), to),
  [RELU]: ([from], to) => layer.rectify(picture(from), to),
  [RESHAPE]: "same",
  [RESIZE_BILINEAR]: ([from], to) => layer.enlarge(picture(from), to),
  [OP_PAD]: ([from], to) => layer.addChannels(picture(from), to),
};

function carryOut(operation: Operation, { tensors }: Model): void {
  const inputs = operation.inputs.map((index) => tensors[index] as Tensor);
  const output = tensors[operation.output] as Tensor;
  const work = LAYERS[operation.code];
  if (work === "same" || work === undefined) {
    const data = inputs[0]?.data;
    if (data) output.data = data;
    return;
  }
  const to = layer.blank(picture(output).shape);
  work(inputs, to, operation);
  output.data = to.data;
}
