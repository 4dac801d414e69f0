/** RocketMQ's sysFlag bits (MessageSysFlag, CompressionType). On the wire and on disk: do not change. */

export const compressedFlag = 0x1
export const multiTagsFlag = 0x2
/** 0 none, 4 prepared, 8 commit, 12 rollback. */
export const transactionMask = 0xc
export const preparedFlag = 0x4
export const commitFlag = 0x8
export const rollbackFlag = 0xc
export const bornHostIpv6Flag = 0x10
export const storeHostIpv6Flag = 0x20
export const needUnwrapFlag = 0x40
export const innerBatchFlag = 0x80
/** 0 zlib (of old clients), 0x100 LZ4 frame, 0x200 zstd frame, 0x300 zlib; holds where the body is compressed. */
export const compressionTypeMask = 0x700

export type BodyCodec = 'none' | 'zlib' | 'lz4' | 'zstd'

/** How a body is compressed; undefined for a type that nobody has given a meaning. */
export function bodyCodecOf(sysFlag: number): BodyCodec | undefined {
  if ((sysFlag & compressedFlag) === 0) return 'none'
  return bodyCodecs[(sysFlag & compressionTypeMask) >> 8]
}

const bodyCodecs: readonly BodyCodec[] = ['zlib', 'lz4', 'zstd', 'zlib']

/** The flags of the same message with its body inflated. */
export function inflatedSysFlag(sysFlag: number): number {
  return sysFlag & ~(compressedFlag | compressionTypeMask)
}
