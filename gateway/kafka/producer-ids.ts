/** Producer ids (KIP-98): reserved in blocks through commits, handed out from memory, never handed out twice. */
import type { Engine } from '../../storage/contract.ts'

/** As Kafka's controllers hand them to brokers; a restart wastes what is left of a block. */
const idsPerBlock = 1000

export class ProducerIdBlocks {
  readonly #engine: Engine
  #next = 0
  #end = 0
  #reserving: Promise<void> | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** An id that no producer was ever given. Rejects with StoreError where a block is needed and cannot be had. */
  async next(): Promise<number> {
    while (this.#next === this.#end) {
      this.#reserving ??= this.#reserve()
      await this.#reserving
    }
    return this.#next++
  }

  async #reserve(): Promise<void> {
    try {
      const changes = [{ op: 'reserve-producer-ids', count: idsPerBlock }] as const
      const { producerIds } = await this.#engine.commit({ changes })
      const first = producerIds[0]
      if (first === undefined) throw new Error('a block was reserved and none came back')
      this.#next = first
      this.#end = first + idsPerBlock
    } finally {
      this.#reserving = undefined
    }
  }
}
