import assert from "node:assert/strict";
import { readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import { cacheSource } from "@mediatap/cache-source";
import type { MediatapConfig } from "@mediatap/core";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { storageFs } from "@mediatap/storage-fs";
import { storageS3 } from "@mediatap/storage-s3";
import {
  describeWith,
  MOTO,
  makeFolder,
  type S3Service,
  startMoto,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { describeWithSdks, type Management } from "../../../test/suites/support/sdks.ts";

const KEY = "private_test_key";

/** The calls over a storage, by the official client alone. */
function suite(
  title: string,
  origin: () => Promise<MediatapConfig["origins"]>,
  close: () => Promise<void>,
): void {
  describeWithSdks(`manage-imagekit: folders of ${title}`, (sdks) => {
    let server: TestServer;
    let client: Management;
    let copies: TestFolder;

    before(async () => {
      copies = await makeFolder();
      server = await startServer({
        plugins: [
          urlImagekit(),
          storageFs(),
          storageS3(),
          cacheMemory(),
          cacheSource({ storage: "copies" }),
          manageImagekit(),
        ],
        origins: { ...(await origin()), copies: { type: "FOLDER", path: copies.path } },
        endpoints: {
          default: { origins: ["files"], manageFiles: true },
          some: { origins: ["files"], manageFiles: { folders: ["/allowed/here"] } },
          fixed: { origins: ["files"] },
        },
        privateKey: KEY,
        management: { compatible: true },
      });
      client = sdks.client({ baseURL: server.url, privateKey: KEY });
    });
    after(async () => {
      await server?.close();
      await close();
      await copies?.close();
    });

    const upload = async (path: string, text = path) => {
      const at = path.lastIndexOf("/");
      const file = new File([text], "sent");
      const sent = {
        file,
        fileName: path.slice(at + 1),
        folder: path.slice(0, at) || "/",
        useUniqueFileName: false,
      };
      return client.files.upload(sent);
    };
    const below = async (path: string, type = "file") =>
      (await client.assets.list(type === "file" ? { searchQuery: `path : "${path}"` } : { path, type }))
        .map(({ filePath, folderPath }) => String(filePath ?? folderPath))
        .sort();
    const read = async (path: string) => {
      const { status, text } = await server.ask(path);
      return status === 200 ? text : status;
    };
    const done = async (begun: Promise<Readonly<Record<string, unknown>>>) => {
      const { jobId } = await begun;
      let job: Readonly<Record<string, unknown>> = {};
      await until(async () => {
        job = await client.folders.job.get(String(jobId));
        return job.status !== "Pending";
      }, "the job has ended");
      const { purgeRequestId, ...fields } = job;
      assert.equal(fields.jobId, jobId);
      assert.equal(fields.status, "Completed", String(fields.message));
      return { type: fields.type, purgeRequestId };
    };
    const refused = (call: Promise<unknown>, status: number, message: RegExp) =>
      assert.rejects(
        call,
        (error: Error & { status?: number; error?: { message: string; help: string } }) => {
          assert.equal(error.status, status, error.message);
          assert.match(error.error?.message ?? "", message);
          assert.equal(error.error?.help, "See the README of manage-imagekit.");
          return true;
        },
      );

    it("hold files of which nothing old is served after an upload, a saved copy included", async () => {
      await upload("/saved/a.txt", "old");
      assert.equal(await read("/saved/a.txt"), "old");
      if (title === "a bucket") {
        await until(
          async () =>
            (await readdir(copies.path, { recursive: true })).some((name) => name.endsWith(".json")),
          "a copy is saved",
        );
      }
      await upload("/saved/a.txt", "new");
      assert.equal(await read("/saved/a.txt"), "new");
    });

    it("hold files that were uploaded, moved and deleted", async () => {
      await upload("/work/a.txt", "a");
      assert.equal(await read("/work/a.txt"), "a");
      await client.files.move({ sourceFilePath: "/work/a.txt", destinationPath: "/work/deep/er" });
      assert.deepEqual([await read("/work/a.txt"), await read("/work/deep/er/a.txt")], [404, "a"]);
      const [file] = await client.assets.list({ path: "/work/deep/er" });
      assert.equal((await client.files.get(String(file?.fileId))).filePath, "/work/deep/er/a.txt");
      await client.files.delete(String(file?.fileId));
      assert.equal(await read("/work/deep/er/a.txt"), 404);
    });

    it("are made, listed and deleted with what is in them", async () => {
      await client.folders.create({ folderName: "summer 2026", parentFolderPath: "/made/in" });
      assert.deepEqual(await below("/made", "folder"), ["/made/in"]);
      assert.deepEqual(await below("/made/in", "folder"), ["/made/in/summer_2026"]);
      await upload("/made/in/summer_2026/b/c.txt");
      assert.equal(await read("/made/in/summer_2026/b/c.txt"), "/made/in/summer_2026/b/c.txt");
      await client.folders.delete({ folderPath: "/made/in/" });
      assert.deepEqual(await below("/made", "folder"), []);
      assert.equal(await read("/made/in/summer_2026/b/c.txt"), 404);
      await client.folders.create({ folderName: "empty", parentFolderPath: "/" });
      await client.folders.delete({ folderPath: "empty" });
      await refused(
        client.folders.delete({ folderPath: "empty" }),
        404,
        /The requested folder does not exist/,
      );
    });

    it("are copied, moved and renamed by jobs", async () => {
      await upload("/jobs/from/a.txt", "new");
      await upload("/jobs/from/deep/b.txt");
      await upload("/jobs/from-else/c.txt");
      await upload("/jobs/to/from/a.txt", "old");
      await client.folders.create({ folderName: "empty", parentFolderPath: "/jobs/from" });
      assert.equal(await read("/jobs/to/from/a.txt"), "old");
      const copied = await done(
        client.folders.copy({ sourceFolderPath: "/jobs/from", destinationPath: "/jobs/to" }),
      );
      assert.equal(copied.type, "COPY_FOLDER");
      const copies = ["/jobs/to/from/a.txt", "/jobs/to/from/deep/b.txt"];
      assert.deepEqual(await below("/jobs/to"), copies);
      assert.equal(await read("/jobs/to/from/a.txt"), "new");
      assert.deepEqual(await below("/jobs/to/from", "folder"), ["/jobs/to/from/deep", "/jobs/to/from/empty"]);
      assert.equal(await read("/jobs/from/a.txt"), "new");

      const moved = await done(
        client.folders.move({ sourceFolderPath: "/jobs/to/from", destinationPath: "/jobs/last" }),
      );
      assert.equal(moved.type, "MOVE_FOLDER");
      assert.deepEqual(await below("/jobs/last"), ["/jobs/last/from/a.txt", "/jobs/last/from/deep/b.txt"]);
      assert.deepEqual(await below("/jobs/to", "all"), []);
      assert.deepEqual(
        [await read("/jobs/to/from/a.txt"), await read("/jobs/last/from/a.txt")],
        [404, "new"],
      );

      const rename = (newFolderName: string) =>
        client.folders.rename({ folderPath: "/jobs/last/from", newFolderName, purgeCache: true });
      const renamed = await done(rename("after wards"));
      assert.equal(renamed.type, "RENAME_FOLDER");
      assert.match(String(renamed.purgeRequestId), /^\w+$/);
      assert.deepEqual(await below("/jobs/last"), [
        "/jobs/last/after_wards/a.txt",
        "/jobs/last/after_wards/deep/b.txt",
      ]);
      assert.deepEqual(
        await below("/jobs", "folder"),
        ["/jobs/from", "/jobs/from-else", "/jobs/last", "/jobs/to"].filter((path) => isListed(path)),
      );
      await refused(
        client.folders.rename({ folderPath: "/jobs/from", newFolderName: "from-else" }),
        409,
        /There is a folder with this name/,
      );
    });
    /** A bucket forgets a folder with its last object. */
    const isListed = (path: string) => path !== "/jobs/to" || title === "a folder";

    it("are refused where they lead elsewhere, or nowhere", async () => {
      await upload("/wrong/a/b.txt");
      const copy = (sourceFolderPath: string, destinationPath: string) =>
        client.folders.copy({ sourceFolderPath, destinationPath });
      await refused(copy("/wrong/none", "/x"), 404, /The requested folder does not exist/);
      await refused(copy("/wrong/a", "/wrong/a/c"), 400, /^destinationPath: /);
      await refused(copy("/wrong/a", "/wrong"), 400, /^destinationPath: /);
      await refused(copy("/", "/x"), 400, /^sourceFolderPath: Expected a folder below the root/);
      await refused(copy("/wrong/../a", "/x"), 400, /^sourceFolderPath: /);
      await refused(copy("/wrong/a", "../x"), 400, /^destinationPath: /);
      await refused(
        client.folders.delete({ folderPath: "/" }),
        400,
        /^folderPath: Expected a folder below the root/,
      );
      for (const folderName of ["..", ".hidden", "a/b", ""]) {
        await refused(client.folders.create({ folderName, parentFolderPath: "/" }), 400, /^folderName: /);
      }
      await refused(client.folders.job.get("none"), 404, /There is no bulk job with this id/);
    });

    const onDisk = title === "a folder" ? it : () => {};
    onDisk("are not moved, copied or changed through symbolic links", async () => {
      await upload("/keep/p.txt", "p");
      await upload("/uploads/mv/own.txt", "own");
      await upload("/allowed/here/own.txt", "own");
      await symlink("../../keep", join(folder.path, "uploads/mv/link"));
      await symlink("..", join(folder.path, "uploads/mv/loop"));
      await symlink("../../keep", join(folder.path, "allowed/here/link"));
      const before = (await readdir(folder.path, { recursive: true })).sort();
      const jobs = [
        client.folders.rename({ folderPath: "/uploads/mv", newFolderName: "mv2" }),
        client.folders.move({ sourceFolderPath: "/uploads/mv", destinationPath: "/moved" }),
        client.folders.copy({ sourceFolderPath: "/uploads/mv", destinationPath: "/copied" }),
      ];
      for (const { jobId } of await Promise.all(jobs)) {
        let job: Readonly<Record<string, unknown>> = {};
        await until(async () => {
          job = await client.folders.job.get(String(jobId));
          return job.status !== "Pending";
        }, "the job has ended");
        assert.equal(job.status, "Failed");
        assert.match(String(job.message), /Expected a folder without symbolic links such as uploads\/mv\/l/);
      }
      const fileId = Buffer.from(JSON.stringify(["files", "allowed/here/link/p.txt"])).toString("base64url");
      const by = { query: { endpoint: "some" } };
      const sent = { file: new File(["x"], "x"), fileName: "x.txt", folder: "/allowed/here/link" };
      for (const call of [
        () => client.files.delete(fileId),
        () => client.files.upload(sent, by),
        () => client.folders.create({ folderName: "x", parentFolderPath: "/allowed/here/link" }, by),
      ]) {
        await refused(call(), 403, /Files are not changed through a folder that is a symbolic link/);
      }
      assert.deepEqual((await readdir(folder.path, { recursive: true })).sort(), before);
      assert.equal(await read("/keep/p.txt"), "p");
      await client.folders.delete({ folderPath: "/uploads/mv" });
      assert.equal(await read("/keep/p.txt"), "p");
    });

    it("are changed only where the configuration allows it", async () => {
      await upload("/allowed/here/a.txt");
      const by = (endpoint: string) => ({ query: { endpoint } });
      const create = (parentFolderPath: string, endpoint: string) =>
        client.folders.create({ folderName: "x", parentFolderPath }, by(endpoint));
      await create("/allowed/here", "some");
      await refused(create("/allowed", "some"), 403, /does not allow changes of files in this folder/);
      await refused(create("/", "fixed"), 403, /does not set manageFiles/);
      await refused(client.folders.delete({ folderPath: "/allowed" }, by("some")), 403, /in this folder/);
      const move = (sourceFolderPath: string, destinationPath: string) =>
        client.folders.move({ sourceFolderPath, destinationPath }, by("some"));
      await refused(move("/allowed/here/x", "/else"), 403, /in this folder/);
      await refused(move("/wrong/a", "/allowed/here"), 403, /in this folder/);
      await refused(
        client.folders.rename({ folderPath: "/allowed", newFolderName: "y" }, by("some")),
        403,
        /in this folder/,
      );
    });
  });
}

let folder: TestFolder;
suite(
  "a folder",
  async () => {
    folder = await makeFolder();
    return { files: { type: "FOLDER", path: folder.path, checkSeconds: 3600 } };
  },
  async () => {
    // Nothing temporary is left.
    const names = await readdir(folder.path, { recursive: true });
    assert.deepEqual(
      names.filter((name) => /(?:^|\/)\./.test(name)),
      [],
    );
    await folder.close();
  },
);

describeWith(MOTO, "moto", () => {
  let service: S3Service;
  suite(
    "a bucket",
    async () => {
      service = await startMoto();
      const { endpoint, accessKey, secretKey } = service;
      await fetch(`${endpoint}/photos`, { method: "PUT" });
      const fields = {
        bucket: "photos",
        prefix: "some",
        endpoint,
        accessKey,
        secretKey,
        s3ForcePathStyle: true,
      };
      return { files: { type: "S3_COMPATIBLE", ...fields } };
    },
    () => service.close(),
  );
});
