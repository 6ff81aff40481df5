// Reads models in TensorFlow Lite's format: a FlatBuffer whose tables and fields are those of its `schema.fbs` (version 3).

/** A constant or a buffer for a result; `shape` is batch, rows, columns, channels for pictures. */
export interface Tensor {
  readonly shape: readonly number[];
  data?: Float32Array | Int32Array;
}

export interface Operation {
  /** Number in the schema's `BuiltinOperator`. */
  readonly code: number;
  readonly inputs: readonly number[];
  readonly output: number;
  /** A field of the operation's options, by its index in the schema; 0 if it is absent. */
  byte(field: number): number;
  int(field: number): number;
}

export interface Model {
  readonly tensors: readonly Tensor[];
  readonly operations: readonly Operation[];
  readonly input: number;
  readonly outputs: readonly number[];
}

/** Places of fields in the tables of the schema. */
const MODEL = { operatorCodes: 1, subgraphs: 2, buffers: 4 };
const GRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 };
const TENSOR = { shape: 0, type: 1, buffer: 2 };
const OPERATOR = { code: 0, inputs: 1, outputs: 2, options: 4 };
const CODE = { deprecated: 0, code: 3 };
/** `TensorType`. */
const TYPE = { float32: 0, float16: 1, int32: 2 };

/** The first graph of a model, its constants as 32 bits. Throws `RangeError` for bytes that are none. */
export function readModel(bytes: Uint8Array): Model {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const follow = (at: number) => at + view.getUint32(at, true);
  /** Offset of a table's field; 0: it is absent. */
  const field = (table: number, index: number): number => {
    const layout = table - view.getInt32(table, true);
    const slot = 4 + 2 * index;
    const offset = slot < view.getUint16(layout, true) ? view.getUint16(layout + slot, true) : 0;
    return offset === 0 ? 0 : table + offset;
  };
  const byte = (table: number, index: number) => {
    const at = table && field(table, index);
    return at === 0 ? 0 : view.getInt8(at);
  };
  const int = (table: number, index: number) => {
    const at = table && field(table, index);
    return at === 0 ? 0 : view.getInt32(at, true);
  };
  const vector = (table: number, index: number) => {
    const at = field(table, index);
    const start = at === 0 ? 0 : follow(at);
    return { start: start + 4, length: at === 0 ? 0 : view.getUint32(start, true) };
  };
  const ints = (table: number, index: number): number[] => {
    const { start, length } = vector(table, index);
    return Array.from({ length }, (_, item) => view.getInt32(start + 4 * item, true));
  };
  const tables = (table: number, index: number): number[] => {
    const { start, length } = vector(table, index);
    return Array.from({ length }, (_, item) => follow(start + 4 * item));
  };

  const constant = (buffer: number, type: number): Tensor["data"] => {
    const { start, length } = vector(buffer, 0);
    if (length === 0) return undefined;
    switch (type) {
      case TYPE.float32:
        return Float32Array.from({ length: length / 4 }, (_, item) =>
          view.getFloat32(start + 4 * item, true),
        );
      case TYPE.float16:
        return Float32Array.from({ length: length / 2 }, (_, item) =>
          half(view.getUint16(start + 2 * item, true)),
        );
      case TYPE.int32:
        return Int32Array.from({ length: length / 4 }, (_, item) => view.getInt32(start + 4 * item, true));
      default:
        throw new RangeError(`Expected 32-bit or half floats or integers but received type ${type}`);
    }
  };

  const root = follow(0);
  const codes = tables(root, MODEL.operatorCodes).map((table) =>
    Math.max(byte(table, CODE.deprecated), int(table, CODE.code)),
  );
  const buffers = tables(root, MODEL.buffers);
  const [graph = 0] = tables(root, MODEL.subgraphs);
  const tensors = tables(graph, GRAPH.tensors).map((table): Tensor => {
    const data = constant(buffers[int(table, TENSOR.buffer)] ?? 0, byte(table, TENSOR.type));
    return { shape: ints(table, TENSOR.shape), ...(data && { data }) };
  });
  const operations = tables(graph, GRAPH.operators).map((table): Operation => {
    const at = field(table, OPERATOR.options);
    const options = at === 0 ? 0 : follow(at);
    return {
      code: codes[int(table, OPERATOR.code)] ?? -1,
      inputs: ints(table, OPERATOR.inputs),
      output: ints(table, OPERATOR.outputs)[0] ?? -1,
      byte: (index) => byte(options, index),
      int: (index) => int(options, index),
    };
  });
  const [input = -1] = ints(graph, GRAPH.inputs);
  return { tensors, operations, input, outputs: ints(graph, GRAPH.outputs) };
}

/** The value of a half-precision number (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
