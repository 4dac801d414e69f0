/**
 * Sizes, marks and numbers of the format, all on disk: do not change them, raise the version (docs/storage-format.md).
 * All integers are big endian.
 */
export const formatVersion = 1

/** Feature bits of segments that an older reader must not pass over. */
export const incompatibleFeatures = {
  /** A cleaner's copy: its groups count for themselves and hold no state. */
  copied: 1
} as const

/** Feature bits that this version knows. */
export const knownCompatible = 0
export const knownIncompatible = incompatibleFeatures.copied

export const storeIdBytes = 16

/** A block of its own, so that no later write touches the sectors under the segment's header. */
export const segmentHeaderBytes = 4096
/** What of it is used; the rest is zero. */
export const segmentHeaderFieldBytes = 64
export const segmentFooterBytes = 64
export const groupHeaderBytes = 76
/** What every entry starts with: kind, flags, lengths, CRC. */
export const entryPrefixBytes = 16
/** The run header without its lists. */
export const runHeaderFixedBytes = 64
export const resolvedBytes = 12
/** Tag and length of an extension field. */
export const extensionPrefixBytes = 6
/** Of a stretch of a queue that a cleaner's copy stands for. */
export const stretchBytes = 20
/** Prefix and count of an entry of stretches. */
export const stretchesFixedBytes = 20
/** Prefix and change count of a state entry. */
export const stateEntryFixedBytes = 20

/** 'ISTHMSEG' */
export const segmentMagic = Buffer.from('ISTHMSEG', 'latin1')
/** 'ISTHSNAP' */
export const snapshotMagic = Buffer.from('ISTHSNAP', 'latin1')
/** 'ISGR' */
export const groupMagic = 0x49534752
/** 'ISFT' */
export const footerMagic = 0x49534654
/** 'ISCK' */
export const snapshotChunkMagic = 0x4953434b
/** 'ISEN' */
export const snapshotEndMagic = 0x4953454e

export const entryKinds = { run: 1, state: 2, description: 3, stretches: 4 } as const

/** Bits of an entry's flags byte. */
export const entryFlags = {
  /** A reader that does not know the kind steps over the entry; without it, it must refuse the segment. */
  mayBeSkipped: 1
} as const
