import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int16,
  int32,
  offset64,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const apiVersionsRequest = request(18, [0, 4], 3, {
  clientSoftwareName: string.since(3).or(''),
  clientSoftwareVersion: string.since(3).or('')
})

export type ApiVersionsRequest = BodyOf<typeof apiVersionsRequest>

/**
 * Its header is never flexible; a version that is not served is answered in version 0 (KIP-511).
 */
export const apiVersionsResponse = response(apiVersionsRequest, {
  errorCode: int16,
  apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
  throttleTimeMs: int32.since(1).or(0),
  /** Before version 4, no feature with minVersion 0 may be named (KAFKA-17011). */
  supportedFeatures: array(struct({ name: string, minVersion: int16, maxVersion: int16 }))
    .since(3)
    .tagged(0),
  /** -1: not known, and then clients ignore the list. */
  finalizedFeaturesEpoch: offset64.since(3).or(-1).tagged(1),
  finalizedFeatures: array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }))
    .since(3)
    .tagged(2),
  zkMigrationReady: bool.since(3).tagged(3)
})

export type ApiVersionsResponse = BodyOf<typeof apiVersionsResponse>
export type ApiVersionsResponseInput = InputOf<typeof apiVersionsResponse>
