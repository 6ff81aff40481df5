import { codeOf, isMediaError, MediaError } from "@mediatap/core";
import { assertAnswered, type FetchResponse } from "@mediatap/core/storage";
import { errorCode, regionOf } from "./dialect.ts";
import { isWithoutKeys } from "./failures.ts";
import type { Fields } from "./fields.ts";

/** Whether the answer to a request for a file that nobody has is that of a bucket that works. Throws in plain words, for the operator. */
export function assertWorks(response: FetchResponse, fields: Fields): void {
  const { status } = response;
  const code = errorCode(response.headers);
  if ((status === 404 || status === 410) && code !== "NoSuchBucket") return;
  try {
    assertAnswered(response);
  } catch (error) {
    if (!isMediaError(error)) throw error;
    const { outage } = error;
    throw new MediaError(error.code, textOf(response, fields, outage), { outage });
  }
  if (code === "NoSuchBucket") throw new MediaError("EACCES", textOf(response, fields, false));
  const where = fields.endpoint ?? "the service";
  throw new MediaError("UNIDENTIFIED", `${where} has a file under any name: no S3 service listens there`);
}

/** Why no answer came, in plain words. */
export function explained(error: unknown, fields: Fields): unknown {
  if (!isMediaError(error)) return error;
  const { cause, code, outage } = error;
  if (isWithoutKeys(cause)) return new MediaError("EACCES", NO_KEYS);
  if (code !== "ECONNREFUSED") return error;
  return new MediaError("ECONNREFUSED", unreached(cause, fields), { cause, outage });
}

const NO_KEYS =
  "there are no keys: set accessKey and secretKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or give the machine a role";

/** What is wrong, by the service's code (Amazon S3 API Reference, "Error responses"). */
const TEXTS: Readonly<Record<string, (fields: Fields) => string>> = {
  InvalidAccessKeyId: () => "the service does not know this accessKey",
  SignatureDoesNotMatch: () => "secretKey does not belong to accessKey",
  ExpiredToken: () => "the temporary keys have ended",
  InvalidToken: () => "sessionToken does not belong to accessKey",
  RequestTimeTooSkewed: () => "the clock of this machine is wrong",
  NoSuchBucket: ({ bucket }) =>
    `there is no bucket ${bucket}; see also whether endpoint and region are right`,
};

function textOf({ status, headers }: FetchResponse, fields: Fields, outage: boolean): string {
  const code = errorCode(headers);
  if (Object.hasOwn(TEXTS, code)) return TEXTS[code]?.(fields) ?? "";
  const region = regionOf(headers);
  if (status <= 400 && region !== undefined) {
    return `the bucket lies in another region: set region: "${region}"`;
  }
  const reported = [`status ${status}`, code].filter((part) => part !== "").join(", ");
  if (status === 401 || status === 403) return denied(fields, reported);
  if (outage) return `the service is in trouble, or asked too often (${reported})`;
  return `no proper answer (${reported}); is ${fields.endpoint ?? "the service"} the address of an S3 service?`;
}

function denied({ bucket, prefix }: Fields, reported: string): string {
  const arn = bucket.startsWith("arn:") ? bucket : `arn:aws:s3:::${bucket}`;
  const objects = `${arn}${arn.includes(":accesspoint") ? "/object" : ""}/${prefix}*`;
  return `the keys may not read (${reported}); they need s3:GetObject for ${objects} and s3:ListBucket for ${arn}`;
}

function unreached(cause: unknown, { bucket, endpoint, region, s3ForcePathStyle }: Fields): string {
  if (endpoint === undefined) return `no connection to Amazon S3 in ${region}`;
  const unknown = codeOf(cause) === "ENOTFOUND" || codeOf(cause) === "EAI_AGAIN";
  if (!unknown || s3ForcePathStyle) return `no connection to ${endpoint}`;
  return `no host ${bucket}.${new URL(endpoint).host}; a service without a host for each bucket needs s3ForcePathStyle: true`;
}
