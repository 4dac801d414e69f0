/** /healthz: ready, or why not. */
import type { EngineStatus } from '../../storage/index.ts'
import type { Page } from './http-server.ts'

/** Where the server is in its life; `up` leaves the word to the engine. */
export type Phase = 'starting' | 'up' | 'closing'

export interface Health {
  readonly state: 'starting' | 'closing' | EngineStatus['state']
  /** In words; empty when ready. */
  readonly reason: string
}

/** The server's health from its phase and, once there is one, its engine's status. */
export function healthOf(phase: Phase, engine: EngineStatus | undefined): Health {
  if (phase === 'starting') return { state: 'starting', reason: 'the store is being opened' }
  if (phase === 'closing') return { state: 'closing', reason: 'the server is shutting down' }
  if (engine === undefined) return { state: 'failed', reason: 'there is no store' }
  return { state: engine.state, reason: engine.state === 'ready' ? '' : engine.reason }
}

/** 200 when ready, 503 otherwise; the body says which, as JSON. */
export function healthPage(health: Health): Page {
  return {
    status: health.state === 'ready' ? 200 : 503,
    contentType: 'application/json',
    body: `${JSON.stringify(health)}\n`
  }
}
