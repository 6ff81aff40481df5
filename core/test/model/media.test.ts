import assert from "node:assert/strict";
import { typeOfName } from "@mediatap/core";
import { types } from "mime-types";
import { contentTypeOfName } from "../../src/model/media.ts";

describe("the media type of a name", () => {
  it("is that of the tables of IANA and Apache for every extension that they have", () => {
    for (const [extension, type] of Object.entries(types)) {
      assert.equal(typeOfName(`folder.v2/A file.${extension.toUpperCase()}?v=1.x`), type, extension);
    }
  });

  it("is known for raw pictures, and unknown for what no table has", () => {
    assert.equal(typeOfName("photo.NEF"), "image/x-nikon-nef");
    for (const name of ["photo", "photo.", "photo.unknown", "photo.constructor", "photo.__proto__"]) {
      assert.equal(typeOfName(name), undefined, name);
    }
  });

  it("has a charset for text only, as a value of Content-Type", () => {
    assert.equal(contentTypeOfName("notes.txt"), "text/plain; charset=utf-8");
    assert.equal(contentTypeOfName("photo.jpg"), "image/jpeg");
    assert.equal(contentTypeOfName("photo"), undefined);
  });
});
