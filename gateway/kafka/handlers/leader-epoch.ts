import { errorCodes } from '../error-codes.ts'

/** Whether the client's idea of the leader epoch is ours (KIP-320); -1: it has none, and nothing is checked. */
export function leaderEpochError(
  asked: number,
  current: number
):
  | typeof errorCodes.NONE
  | typeof errorCodes.FENCED_LEADER_EPOCH
  | typeof errorCodes.UNKNOWN_LEADER_EPOCH {
  if (asked < 0 || asked === current) return errorCodes.NONE
  return asked < current ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
}
