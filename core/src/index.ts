// The whole public surface, name by name: a diff of this file is a diff of the API.

export type { Command } from "commander";
export type { Logger } from "pino";

export type {
  CacheBackend,
  CacheEntry,
  CacheOptions,
  CacheRegistration,
  CacheTier,
  JournalRule,
  MaybePromise,
  PurgeJournal,
  StoredMetadata,
} from "./cache/backend.ts";
export type { CacheBreaker, CacheBreakerOptions } from "./cache/breaker.ts";
export { createCacheBreaker } from "./cache/breaker.ts";
export type { CacheContents, MeasuredCache } from "./cache/metrics.ts";
export { measureCache } from "./cache/metrics.ts";
export { timeOfRule } from "./cache/rule-id.ts";
export { createStorageBackend, type WritableStorage } from "./cache/storage-backend.ts";
export { type BodyReference, decodeMetadata, encodeMetadata } from "./cache/stored-file.ts";
export type { CliOptions } from "./cli/cli.ts";
export { runCli } from "./cli/cli.ts";
export type { FindOptions, FoundConfig } from "./config/find.ts";
export { findConfig } from "./config/find.ts";
export type { LoadedConfig, LoadOptions } from "./config/load.ts";
export { loadConfig } from "./config/load.ts";
export { parseOptions } from "./config/options.ts";
export type { ConfigSections, MediatapConfig, Named } from "./config/schema.ts";
export { defineConfig } from "./config/schema.ts";
export { memorySource } from "./decode/memory.ts";
export type { RememberOptions } from "./decode/remember.ts";
export { remembering } from "./decode/remember.ts";
export { isSvg, SVG_HEAD_LENGTH, xmlText } from "./decode/svg.ts";
export type { ThreadProgram, ThreadTask, ThreadTools } from "./decode/thread.ts";
export { inThread } from "./decode/thread.ts";
export type { Tiff, TiffLayout } from "./decode/tiff.ts";
export { createTiff } from "./decode/tiff.ts";
export type {
  Attempt,
  AttemptOutcome,
  Conditions,
  Diagnosis,
  Hooks,
  OpenedOriginal,
  OriginConfig,
  OriginInfo,
  Reason,
  Report,
  RuntimeInfo,
  Substitute,
  Work,
} from "./hooks.ts";
export { Stage } from "./hooks.ts";
export type { PageSources } from "./http/page-file.ts";
export { pageFile } from "./http/page-file.ts";
export type { Asset } from "./model/asset.ts";
export type { Paint, Rgba } from "./model/colour.ts";
export { isForFewer, isStorable, sharedControlOf } from "./model/control.ts";
export type {
  Endpoint,
  EndpointFields,
  NamedTransformation,
  Polling,
  Restriction,
} from "./model/endpoint.ts";
export type { ErrorCode, MediaErrorOptions } from "./model/errors.ts";
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
export type { CacheOutcome, Claims, Exchange, MediaRequest, Reply, Target } from "./model/exchange.ts";
export type { Expression, Operator, Scope, Size, Variable } from "./model/expression.ts";
export { evaluate, parentScope, scopeOf, VARIABLES } from "./model/expression.ts";
export type { AcceptClass, Delivery, Job, Note } from "./model/job.ts";
export type { LimitName, Limits, LimitsOf } from "./model/limits.ts";
export { DEFAULT_LIMITS } from "./model/limits.ts";
export { typeOfName } from "./model/media.ts";
export type { RequestOutcome } from "./model/outcome.ts";
export { FAILED_OUTCOMES, REQUEST_OUTCOMES, requestOutcomeOf } from "./model/outcome.ts";
export type { Lane, Plan } from "./model/plan.ts";
export type { Ban, PurgeRule } from "./model/purge-rule.ts";
export { isBanned, isOriginalBanned, tenantOf } from "./model/purge-rule.ts";
export type { Remuxable, RemuxCut, RemuxOptions, RemuxSegment } from "./model/remux.ts";
export type {
  DecodeOptions,
  Decoding,
  FaceBox,
  Facts,
  Header,
  Kind,
  Probe,
  RawFrame,
  RenderContext,
  Span,
  Spans,
} from "./model/render-context.ts";
export type {
  Body,
  Delivered,
  GrowingBody,
  Obtained,
  Provenance,
  Rendition,
  RenditionRecord,
  SettledBody,
} from "./model/rendition.ts";
export { bodyOf } from "./model/rendition.ts";
export type {
  Audience,
  ByteRange,
  EntryFacts,
  FolderEntry,
  FolderPage,
  ListFolderOptions,
  OpenOptions,
  Source,
  SourceFacts,
  Storage,
  StorageEntry,
} from "./model/source.ts";
export { NOT_MODIFIED, updatedFacts } from "./model/source.ts";
export { createBuiltInRegistry } from "./model/steps/built-in.ts";
export { branchOf } from "./model/steps/compose.ts";
export type { Arc } from "./model/steps/distort.ts";
export { arcGeometry, isQuadrilateral, perspectiveBox } from "./model/steps/distort.ts";
export type { GradientLine } from "./model/steps/effects.ts";
export { gradientLine } from "./model/steps/effects.ts";
export { facesAfter, facesIn } from "./model/steps/follow.ts";
export type { Box, Corner, ExtractGeometry, ResizeGeometry } from "./model/steps/geometry.ts";
export { extractGeometry, placeAt, resizeGeometry } from "./model/steps/geometry.ts";
export type { MeasureOptions, SizeBounds } from "./model/steps/measure.ts";
export { assertSizeAfter, measure, sizeAfter } from "./model/steps/measure.ts";
export type { LayerSizes, PlacedLayer } from "./model/steps/place.ts";
export { placeLayer } from "./model/steps/place.ts";
export type { Stage as StepStage, StepDefinition, StepRegistry } from "./model/steps/registry.ts";
export { borderWidth } from "./model/steps/surface.ts";
export type { Stretch } from "./model/steps/time.ts";
export { stretchOf } from "./model/steps/time.ts";
export type { NamedPart, StreamPart } from "./model/stream.ts";
export { partName, partOfName, slot } from "./model/stream.ts";
export type { TagHeader } from "./model/tags.ts";
export { foldersOf, folderTagOf, sourceTagOf } from "./model/tags.ts";
export type {
  Blend,
  Condition,
  Focus,
  Gravity,
  ImageFormat,
  Layer,
  Length,
  Offset,
  Op,
  Output,
  Place,
  Point,
  Showing,
  Step,
  StepOf,
  Steps,
  SubtitleStyle,
  TextStyle,
  Transformation,
  VideoOutput,
} from "./model/transformation.ts";
export type { BreakerState } from "./origin/breaker.ts";
export type { FetcherOptions } from "./origin/client/create.ts";
export { createFetcher } from "./origin/client/create.ts";
export type { Fetcher, FetchOptions, FetchResponse } from "./origin/client/fetcher.ts";
export type { Chunk } from "./origin/reader/bodies.ts";
export { chunksOf, textOf } from "./origin/reader/bodies.ts";
export type { CanonicalFields } from "./origin/reader/canonical.ts";
export { canonicalFields, canonicalOf } from "./origin/reader/canonical.ts";
export { httpFilesOptions, httpUrl } from "./origin/reader/fields.ts";
export type { Listing } from "./origin/reader/folder.ts";
export { listObjects } from "./origin/reader/folder.ts";
export { isEntryName, keyOf, objectPrefix } from "./origin/reader/key.ts";
export { isVideoPath } from "./origin/reader/metadata.ts";
export type { HttpFile, HttpFiles } from "./origin/reader/open.ts";
export { createHttpFiles } from "./origin/reader/open.ts";
export { assertAnswered } from "./origin/reader/response.ts";
export type { HttpAddress, HttpFilesOptions, HttpRequest, HttpTarget, Send } from "./origin/reader/send.ts";
export type { Token } from "./origin/reader/tokens.ts";
export { createTokens } from "./origin/reader/tokens.ts";
export type {
  CallHandler,
  CallReply,
  InspectTaps,
  Metric,
  Plugin,
  PluginApi,
  PluginHooks,
  PluginList,
  PurgeTarget,
  RouteHandler,
  RouteReply,
  RouteRequest,
  RunningServer,
  ServerFlags,
  ServerState,
  StepTaps,
  TapHook,
  TapMap,
  TapOptions,
} from "./plugin.ts";
export { API_VERSION } from "./plugin.ts";
export type { CloseOptions, MediatapServer, ServerOptions } from "./server/server.ts";
export { createServer } from "./server/server.ts";
export type { Bus, BusLine, LineEnd } from "./util/bus.ts";
export { didYouMean, nearest } from "./util/did-you-mean.ts";
export { ensureFolder } from "./util/ensure-folder.ts";
export { maskUrl, reasonOf } from "./util/log.ts";
export { monotonicNow } from "./util/monotonic.ts";
export type { Owner } from "./util/owner.ts";
export { isGone, ownerText, parseOwner, thisOwner } from "./util/owner.ts";
export type { PlaceOptions, Places } from "./util/semaphore.ts";
export { createPlaces } from "./util/semaphore.ts";
export type { Trace } from "./util/trace.ts";
export { currentTrace } from "./util/trace.ts";
export { within } from "./util/within.ts";
export type { Load } from "./work/load.ts";
export type { Lease, LeaseEnd, LeaseLine, LeaseOptions, Leases } from "./work/locks.ts";
export { openTempFolder, type TempFolder } from "./work/temp-folder.ts";
