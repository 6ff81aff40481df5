import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import {
  describeCache,
  describeWith,
  MOTO,
  RADOSGW,
  type S3Service,
  startMoto,
  startRadosgw,
} from "@mediatap/test";
import { cacheStorage } from "../src/index.ts";
import { bucketPlace, folderPlace } from "./places.ts";

const none = { budget: false };
const plugin = () => cacheStorage({ origin: "renditions", timeout: 30_000, private: true });

describeCache(
  "cache-storage in a folder",
  async () => {
    const place = await folderPlace();
    return { plugin: plugin(), host: place, close: place.close };
  },
  none,
);

for (const [program, name, start] of [
  [RADOSGW, "radosgw", startRadosgw],
  [MOTO, "moto", startMoto],
] as const) {
  describeWith(program, `cache-storage in a bucket of ${name}`, () => {
    describeCache(
      "cache-storage in S3",
      async () => {
        const service = await start();
        await makeBucket(service);
        return { plugin: plugin(), host: bucketPlace(service, "renditions"), close: () => service.close() };
      },
      none,
    );
  });
}

async function makeBucket({ endpoint, accessKey, secretKey }: S3Service): Promise<void> {
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const client = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "renditions" }));
  client.destroy();
}
