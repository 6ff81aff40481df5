import { describeTransform } from "@mediatap/test";
import { imageSharp } from "../src/index.ts";

describeTransform("image-sharp", () => ({ plugin: imageSharp() }));
