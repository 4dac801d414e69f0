/**
 * /metrics: Prometheus text through prom-client, from a registry of the server's own. The library is loaded and the
 * metrics are set up at the first request for them, so a start does not pay for them.
 */

import type { Timers } from '../../gateway/broker/timers/index.ts'
import type { TcpCounters } from '../../gateway/tcp/index.ts'
import type { Engine } from '../../storage/index.ts'
import type { Page } from './http-server.ts'
import type { RequestFigures } from './request-figures.ts'

/** One protocol's listener, as the metrics see it. */
export interface MeasuredListener {
  /** 'kafka', ... */
  readonly protocol: string
  readonly figures: RequestFigures
  readonly counters: TcpCounters
  /** The protocol's name of an error code. */
  readonly errorName: (code: number) => string
}

/** What the metrics are read from. */
export interface Measured {
  readonly version: string
  readonly isReady: () => boolean
  readonly engine: () => Engine | undefined
  readonly timers: () => Timers | undefined
  readonly listeners: () => readonly MeasuredListener[]
}

/** The page's text, made anew at each call; calls that overlap share one making. */
export class MetricsPage {
  readonly #measured: Measured
  #registry: Promise<{ metrics(): Promise<string>; contentType: string }> | undefined
  #making: Promise<Page> | undefined

  constructor(measured: Measured) {
    this.#measured = measured
  }

  page(): Promise<Page> {
    this.#making ??= this.#make()
    return this.#making
  }

  async #make(): Promise<Page> {
    try {
      this.#registry ??= import('./metric-registry.ts').then(({ registryOf }) =>
        registryOf(this.#measured)
      )
      const registry = await this.#registry
      return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
    } finally {
      this.#making = undefined
    }
  }
}
