/** RocketMQ's delay levels (messageDelayLevel by default), ms: level 1 is the first. */
const delaysMs: readonly number[] = [
  1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200
].map((seconds) => seconds * 1000)

export const delayLevelMax = delaysMs.length

/** As RocketMQ's setting has them. */
export const delayLevelsText = delaysMs
  .map((ms) => {
    if (ms >= 3_600_000) return `${ms / 3_600_000}h`
    return ms >= 60_000 ? `${ms / 60_000}m` : `${ms / 1000}s`
  })
  .join(' ')

/** A level beyond the last is the last. */
export function delayLevelOf(level: number): number {
  return Math.min(level, delayLevelMax)
}

/** How long a message of that level waits, ms; 0 for a level of 0 or below. */
export function delayMsOf(level: number): number {
  return level <= 0 ? 0 : (delaysMs[delayLevelOf(level) - 1] ?? 0)
}
