/** The metadata `isprivatefile` as S3, Azure and Google send it from a bucket that is read by its URLs. */
export const PRIVATE_HEADERS = [
  "x-amz-meta-isprivatefile",
  "x-ms-meta-isprivatefile",
  "x-goog-meta-isprivatefile",
];
