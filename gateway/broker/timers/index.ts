/** The one mechanism of everything that waits for a time; docs/timers.md. */
export { type KindFigures, latenessBounds, type TimerFigures } from './figures.ts'
export { type TimerLimits, timerLimits, timerLimitTable } from './limits.ts'
export * from './timer.ts'
export { Timers, type TimersOptions } from './timers.ts'
