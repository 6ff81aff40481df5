export type { CacheAbilities, CacheSetup } from "./contracts/cache.ts";
export { describeCache } from "./contracts/cache.ts";
export type { DecodeFile, DecodeSetup, Spot } from "./contracts/decode.ts";
export { describeDecode } from "./contracts/decode.ts";
export type { LanguageSetup } from "./contracts/language.ts";
export { describeLanguage } from "./contracts/language.ts";
export type { StateStoreSetup } from "./contracts/state-store.ts";
export { describeStateStore } from "./contracts/state-store.ts";
export type { StepSetup } from "./contracts/step.ts";
export { describeStep } from "./contracts/step.ts";
export { describeStorage } from "./contracts/storage.ts";
export type { StorageSetup } from "./contracts/storage-setup.ts";
export type { TransformSetup } from "./contracts/transform.ts";
export { describeTransform } from "./contracts/transform.ts";
export type { CacheHost, Finding, HostOptions } from "./helpers/cache-host.ts";
export { bytesOf, hostCache, newKey, newRecord, sourcesOf } from "./helpers/cache-host.ts";
export type { Certificate, CertificateOptions } from "./helpers/certificates.ts";
export { makeCertificate } from "./helpers/certificates.ts";
export { passTime, resetTime, setClock, stopTime } from "./helpers/clock.ts";
export type { CommandOptions, TestCommand, TestOutput } from "./helpers/command.ts";
export { runInProcess, testCommand } from "./helpers/command.ts";
export { useUpDescriptors } from "./helpers/descriptors.ts";
export { FFMPEG, runFfmpeg } from "./helpers/ffmpeg.ts";
export type { TestFolder } from "./helpers/folder.ts";
export { makeFolder } from "./helpers/folder.ts";
export type { Mend } from "./helpers/front.ts";
export { passOn } from "./helpers/front.ts";
export { MOTO, startMoto } from "./helpers/moto.ts";
export type { OriginFile, WebOrigin } from "./helpers/origin.ts";
export { startOrigin } from "./helpers/origin.ts";
export type { PngPixels } from "./helpers/png.ts";
export { makePng, readPng } from "./helpers/png.ts";
export type { Program, Running } from "./helpers/programs.ts";
export { answers, describeWith, freePort, startProgram } from "./helpers/programs.ts";
export type { Radosgw, S3Service } from "./helpers/radosgw.ts";
export { RADOSGW, RADOSGW_DOMAIN, startRadosgw } from "./helpers/radosgw.ts";
export type { RawAnswer, RawOptions } from "./helpers/raw.ts";
export { raw, rawOne } from "./helpers/raw.ts";
export type { Redis, RedisStart, Sentinels } from "./helpers/redis.ts";
export { REDIS, startRedis, startRedisCluster, startSentinels } from "./helpers/redis.ts";
export type { Answer, AskOptions, StartOptions, TestServer } from "./helpers/server.ts";
export { ask, startServer } from "./helpers/server.ts";
export type { Witness } from "./helpers/stand-ins.ts";
export {
  echoEngine,
  jobLanguage,
  jobUrl,
  MEMORY_ENDPOINT,
  memoryStorage,
  witness,
} from "./helpers/stand-ins.ts";
export type { InTerminal, TerminalOptions } from "./helpers/terminal.ts";
export { PYTHON, startInTerminal } from "./helpers/terminal.ts";
export { until } from "./helpers/until.ts";
