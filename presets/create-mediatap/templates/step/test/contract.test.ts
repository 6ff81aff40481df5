import { describeStep } from "@mediatap/test";
import { imageSharp } from "mediatap";
import { stepExample } from "../src/index.ts";

describeStep("step-example", () => ({
  plugin: stepExample(),
  engine: imageSharp(),
  steps: [
    { op: "duotone", dark: 0x000000, light: 0xffffff },
    { op: "duotone", dark: 0x102040, light: 0xffe0b0 },
  ],
  wrong: [{ op: "duotone", dark: -1, light: 0 }, { op: "duotone" }],
}));
