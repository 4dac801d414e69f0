/** What the bits of a batch's attributes say. On the wire and on disk: do not change. */
export const codecMask = 0x07
export const appendTimeBit = 0x08
export const transactionalBit = 0x10
export const controlBit = 0x20
export const deleteHorizonBit = 0x40

export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type CodecName = keyof typeof codecs

/** The codec's name, or undefined for a number that nobody has given a meaning. */
export function codecOf(attributes: number): CodecName | undefined {
  return codecNames[attributes & codecMask]
}

const codecNames: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
