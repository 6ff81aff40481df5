// What every plugin may need; the rest is in `exports/`. A diff of these files is a diff of the API.
// `built-in.ts` must be reachable from here: what plugins add to `Steps` is lost where its own declarations are merged later.

export { parseOptions } from "./config/options.ts";
export type { MediatapConfig } from "./config/schema.ts";
export { defineConfig } from "./config/schema.ts";
export type {
  Attempt,
  AttemptOutcome,
  BackgroundWork,
  Diagnosis,
  Report,
  RuntimeInfo,
  Signed,
  Work,
} from "./hooks.ts";
export { Stage } from "./hooks.ts";
export { isLocal } from "./http/local.ts";
export type { PageSources } from "./http/page-file.ts";
export { pageFile } from "./http/page-file.ts";
export type { Asset } from "./model/asset.ts";
export type { Endpoint, EndpointFields } from "./model/endpoint.ts";
export type { MediaErrorOptions } from "./model/errors.ts";
export {
  changed,
  codeOf,
  invalid,
  isMediaError,
  MediaError,
  printable,
  STATUS,
  shortageOf,
} from "./model/errors.ts";
export type { CacheOutcome, Exchange, Reply, Target } from "./model/exchange.ts";
export type { Size } from "./model/expression.ts";
export type { InfoField } from "./model/info.ts";
export { HEADER_FIELDS, infoFields } from "./model/info.ts";
export type { AcceptClass, Job, Note } from "./model/job.ts";
export type { LimitName, Limits, LimitsOf } from "./model/limits.ts";
export { DEFAULT_LIMITS } from "./model/limits.ts";
export { isMediaType, typeOfName } from "./model/media.ts";
export type { RequestOutcome } from "./model/outcome.ts";
export { FAILED_OUTCOMES, REQUEST_OUTCOMES, requestOutcomeOf } from "./model/outcome.ts";
export type { Lane, Plan } from "./model/plan.ts";
export type { Remuxable, RemuxCut, RemuxOptions } from "./model/remux.ts";
export type {
  DecodeOptions,
  Embedded,
  FaceBox,
  FocusBox,
  Header,
  KeyFrames,
  Kind,
  Probe,
  RawFrame,
  RenderContext,
  Spot,
  Track,
  VideoTrack,
} from "./model/render-context.ts";
export { FACES_PRICE } from "./model/render-context.ts";
export type {
  Body,
  CompleteBody,
  GrowingBody,
  Obtained,
  PlanResult,
  Provenance,
  Rendition,
  RenditionRecord,
} from "./model/rendition.ts";
export { bodyOf } from "./model/rendition.ts";
export type { ByteRange, Source, SourceMetadata } from "./model/source.ts";
export type { Span, Spans } from "./model/spans.ts";
export { createBuiltInRegistry } from "./model/steps/built-in.ts";
export type { StreamPart } from "./model/stream.ts";
export type { Op, Output, Step, StepOf, Steps, Transformation } from "./model/transformation.ts";
export type {
  CallHandler,
  CallRights,
  KeyAccess,
  KeysApi,
  RouteHandler,
  RouteReply,
  RouteRequest,
} from "./plugin/calls.ts";
export type { Explanation } from "./plugin/explanation.ts";
export type { Lock, Locks } from "./plugin/locks.ts";
export type {
  ConfigSections,
  Load,
  OpenedFolder,
  Plugin,
  PluginApi,
  PluginList,
  RunningServer,
  ServerFlags,
  ServerState,
} from "./plugin/plugin.ts";
export { API_VERSION } from "./plugin/plugin.ts";
export type { PluginHooks } from "./plugin/taps.ts";
export type { Bus, LineEnd } from "./util/bus.ts";
export { didYouMean, nearest } from "./util/did-you-mean.ts";
export { maskUrl, reasonOf } from "./util/log.ts";
export { createSemaphore } from "./util/semaphore.ts";
export type { Trace } from "./util/trace.ts";
export { currentTrace } from "./util/trace.ts";
export { openTempFolder } from "./work/temp-folder.ts";
