/** Transactions over kills: what was committed is there once, what was rolled back never, a half message never. */
import { preparedFlag } from '../../gateway/broker/translate/index.ts'
import { endTransactionRequest } from '../../gateway/rocketmq/headers/end-transaction.ts'
import { sendMessageV2Request } from '../../gateway/rocketmq/headers/send-message.ts'
import { RemotingConnection, RemotingRefused } from '../clients/remoting.ts'
import { untilLost } from '../support/connect.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { pullFrom, sendHeader } from './remoting-load.ts'

const lanes = 3
const group = 'crash-transactions'
const outcomes = { commit: 8, rollback: 12 } as const
/** END_TRANSACTION's code for one that has ended before. */
const endedBefore = 1

export interface Transaction {
  readonly outcome: keyof typeof outcomes
  /** Where the half message is, once that was acknowledged. */
  half?: { readonly offset: number; readonly place: bigint }
  /** The outcome was acknowledged. */
  isEnded: boolean
}

/** What a correct server cannot show, of transactions by the body of their message; all that could end have ended. */
export function transactionFaults(
  transactions: ReadonlyMap<string, Transaction>,
  seen: readonly string[]
): string[] {
  const wrong: string[] = []
  const names = new Set<string>()
  for (const name of seen) {
    const one = transactions.get(name)
    if (one === undefined) wrong.push(`${name} was never sent`)
    else if (one.half === undefined) wrong.push(`${name} came, and nobody could end it`)
    else if (one.outcome === 'rollback') wrong.push(`${name} came, and was rolled back`)
    if (names.has(name)) wrong.push(`${name} came twice`)
    names.add(name)
  }
  for (const [name, { outcome, isEnded }] of transactions) {
    if (outcome === 'commit' && isEnded && !names.has(name)) wrong.push(`${name} was committed`)
  }
  return wrong
}

export class RemotingTransactions {
  readonly topic: string
  readonly #random: SeededRandom
  readonly #all = new Map<string, Transaction>()

  constructor(topic: string, random: SeededRandom) {
    this.topic = topic
    this.#random = random
  }

  get ended(): number {
    return [...this.#all.values()].filter(({ isEnded }) => isEnded).length
  }

  run(address: string): Promise<void> {
    return untilLost(
      () => RemotingConnection.open(address),
      async (connection) => {
        await this.#endOpen(connection)
        const lane = async (): Promise<void> => {
          for (;;) await this.#one(connection)
        }
        await Promise.all(Array.from({ length: lanes }, lane))
      }
    )
  }

  /** Ends what is open, and says what is wrong with all that the topic has then. */
  async violations(connection: RemotingConnection): Promise<string[]> {
    await this.#endOpen(connection)
    const seen: string[] = []
    for (;;) {
      const pulled = await pullFrom(
        connection,
        'crash-transactions-read',
        this.topic,
        0,
        seen.length
      )
      if (pulled.length === 0) return transactionFaults(this.#all, seen)
      seen.push(...pulled.map(({ message }) => message.body.toString()))
    }
  }

  /** Those whose outcome was sent, perhaps, and never acknowledged: a client says it again when it is asked. */
  async #endOpen(connection: RemotingConnection): Promise<void> {
    for (const one of this.#all.values()) {
      if (one.half !== undefined && !one.isEnded) await this.#end(connection, one)
    }
  }

  async #one(connection: RemotingConnection): Promise<void> {
    const outcome = this.#random.integer(2) === 0 ? 'commit' : 'rollback'
    const one: Transaction = { outcome, isEnded: false }
    const name = `transaction ${this.#all.size}`
    this.#all.set(name, one)
    const properties = `TRAN_MSG\u0001true\u0002PGROUP\u0001${group}\u0002`
    const header = { ...sendHeader(this.topic, 0, properties, false), sysFlag: preparedFlag }
    const answer = await connection.ask(sendMessageV2Request, header, Buffer.from(name))
    if (answer.code !== 0) throw new RemotingRefused('a half message', answer)
    const id = answer.fields.get('msgId') ?? ''
    one.half = {
      offset: Number(answer.fields.get('queueOffset')),
      place: BigInt(`0x${id.slice(-16)}`)
    }
    // Some stay open until the next life.
    if (this.#random.integer(4) > 0) await this.#end(connection, one)
  }

  async #end(connection: RemotingConnection, one: Transaction): Promise<void> {
    if (one.half === undefined) return
    const answer = await connection.ask(endTransactionRequest, {
      producerGroup: group,
      tranStateTableOffset: one.half.offset,
      commitLogOffset: one.half.place,
      commitOrRollback: outcomes[one.outcome]
    })
    if (answer.code !== 0 && answer.code !== endedBefore) {
      throw new RemotingRefused('END_TRANSACTION', answer)
    }
    one.isEnded = true
  }
}
