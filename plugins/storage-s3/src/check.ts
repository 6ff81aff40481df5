import { codeOf, MediaError } from "@mediatap/core";
import { type Bucket, drop, Refusal, type Wait } from "./bucket.ts";
import { type Failure, statusOf, wordOf } from "./failures.ts";
import type { Place } from "./fields.ts";

/** A name that no object has: "not there" is the answer of a bucket that may be read and listed. */
const NOBODY = "mediatap-doctor/no-such-file";

/** Tries whether a place can be read. Throws in plain words, for the operator. */
export async function assertWorks(bucket: Bucket, place: Place, wait: Wait): Promise<void> {
  try {
    drop(await bucket.get({ Key: place.prefix + NOBODY }, wait));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.failure.kind === "absent") return;
    throw explained(error, place);
  }
  const where = place.endpoint ?? "the service";
  throw new MediaError("UNIDENTIFIED", `${where} has a file under any name: no S3 service listens there`);
}

function explained({ failure, cause }: Refusal, place: Place): MediaError {
  const error = "error" in failure ? failure.error : undefined;
  const options = { outage: error?.outage ?? false };
  if (error?.code === "ECONNREFUSED") {
    return new MediaError("ECONNREFUSED", unreached(cause, place), { ...options, cause });
  }
  return new MediaError(error?.code ?? "UNIDENTIFIED", textOf(failure, cause, place), options);
}

function textOf(failure: Failure, cause: unknown, place: Place): string {
  const word = wordOf(cause);
  const text = WORDS.get(word)?.(place);
  if (text !== undefined) return text;
  if (failure.kind === "region") return `the bucket lies in another region: set region: "${failure.region}"`;
  const said = [`status ${statusOf(cause)}`, word].filter((part) => part !== "").join(", ");
  if (!("error" in failure)) return odd(place, said, false);
  return failure.error.code === "EACCES" ? denied(place, said) : odd(place, said, failure.error.outage);
}

/** What is wrong, by the service's word for it (Amazon S3 API Reference, "Error responses"). */
const WORDS = new Map<string, (place: Place) => string>([
  [
    "CredentialsProviderError",
    () =>
      "there are no keys: set accessKey and secretKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or give the machine a role",
  ],
  ["InvalidAccessKeyId", () => "the service does not know this accessKey"],
  ["SignatureDoesNotMatch", () => "secretKey does not belong to accessKey"],
  ["ExpiredToken", () => "the temporary keys have ended"],
  ["InvalidToken", () => "sessionToken does not belong to accessKey"],
  ["RequestTimeTooSkewed", () => "the clock of this machine is wrong"],
  [
    "NoSuchBucket",
    ({ bucket }) => `there is no bucket ${bucket}; see also whether endpoint and region are right`,
  ],
]);

function denied({ bucket, prefix }: Place, said: string): string {
  const arn = bucket.startsWith("arn:") ? bucket : `arn:aws:s3:::${bucket}`;
  const objects = `${arn}${arn.includes(":accesspoint") ? "/object" : ""}/${prefix}*`;
  return `the keys may not read (${said}); they need s3:GetObject for ${objects} and s3:ListBucket for ${arn}`;
}

function odd({ endpoint }: Place, said: string, outage: boolean): string {
  if (outage) return `the service is in trouble, or asked too often (${said})`;
  return `no proper answer (${said}); is ${endpoint ?? "the service"} the address of an S3 service?`;
}

function unreached(cause: unknown, { bucket, endpoint, region, pathStyle }: Place): string {
  if (endpoint === undefined) return `no connection to Amazon S3 in ${region}`;
  const unknown = codeOf(cause) === "ENOTFOUND" || codeOf(cause) === "EAI_AGAIN";
  if (!unknown || pathStyle) return `no connection to ${endpoint}`;
  return `no host ${bucket}.${new URL(endpoint).host}; a service without a host for each bucket needs s3ForcePathStyle: true`;
}
