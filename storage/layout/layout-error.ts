import { CodedError } from '../coded-error.ts'

/** Why stored bytes could not be understood. Codes are stable, texts are not. */
export const layoutErrorCodes = [
  /** The bytes end before what they announce. */
  'truncated',
  /** The bytes contradict themselves or a checksum. */
  'malformed',
  /** Written by a newer version: a row version, family or entry kind that this one does not know. */
  'unsupported'
] as const

export type LayoutErrorCode = (typeof layoutErrorCodes)[number]

/** Thrown by every decoder in storage that does not say otherwise. */
export class LayoutError extends CodedError<LayoutErrorCode> {}
