/** Joins whose connections are gone must not hold a group: with an Apache Kafka they do, past their session timeout. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  type BodyOf,
  decodeResponse,
  encodeRequest,
  type Fields,
  type InputOf,
  type Message
} from '../../gateway/kafka/codec/index.ts'
import {
  describeGroupsRequest,
  describeGroupsResponse
} from '../../gateway/kafka/schemas/describe-groups.ts'
import { joinGroupRequest, joinGroupResponse } from '../../gateway/kafka/schemas/join-group.ts'
import { syncGroupRequest, syncGroupResponse } from '../../gateway/kafka/schemas/sync-group.ts'
import { startServer } from '../../src/index.ts'

const abandonedCount = 150

/** A client that asks one thing at a time. */
class Client {
  readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
  }

  static async open(t: Test, port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    t.teardown(() => socket.destroy())
    return new Client(socket)
  }

  send<F extends Fields>(request: Message<F>, version: number, body: InputOf<Message<F>>): void {
    const header = { correlationId: 1, clientId: 'app' }
    this.socket.write(Buffer.concat(encodeRequest(request, version, header, body)))
  }

  async receive<F extends Fields>(
    response: Message<F>,
    version: number
  ): Promise<BodyOf<Message<F>>> {
    let frame = Buffer.alloc(0)
    while (frame.length < 4 || frame.length < 4 + frame.readInt32BE(0)) {
      const [chunk] = (await once(this.socket, 'data')) as [Buffer]
      frame = Buffer.concat([frame, chunk])
    }
    return decodeResponse(response, version, frame.subarray(4)).body
  }

  join(memberId = '', rebalanceTimeoutMs = 300_000): void {
    this.send(joinGroupRequest, 3, {
      groupId: 'g',
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs,
      memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('m') }]
    })
  }

  async memberCount(): Promise<number> {
    this.send(describeGroupsRequest, 0, { groups: ['g'] })
    const { groups } = await this.receive(describeGroupsResponse, 0)
    return groups[0]?.members.length ?? 0
  }
}

t.test(
  '150 abandoned joins leave a group to its member at once',
  { timeout: 20_000 },
  async (t) => {
    const server = await startServer()
    t.teardown(() => server.close())
    const { port } = server.addresses.kafka
    const member = await Client.open(t, port)
    const watcher = await Client.open(t, port)
    member.join()
    const joined = await member.receive(joinGroupResponse, 3)
    t.equal(joined.generationId, 1)
    const claim = { groupId: 'g', generationId: 1, memberId: joined.memberId }
    member.send(syncGroupRequest, 1, { ...claim, assignments: [] })
    t.equal((await member.receive(syncGroupResponse, 1)).errorCode, 0)

    const abandoned = await Promise.all(
      Array.from({ length: abandonedCount }, () => Client.open(t, port))
    )
    for (const client of abandoned) client.join()
    while ((await watcher.memberCount()) < 1 + abandonedCount);
    for (const client of abandoned) client.socket.destroy()
    // Sessions of 30 s: it is the connections' end that counts, or this test runs into its timeout.
    while ((await watcher.memberCount()) > 1);
    member.join(joined.memberId)
    const again = await member.receive(joinGroupResponse, 3)
    t.match(again, { errorCode: 0, generationId: 2, leader: joined.memberId })
    t.equal(again.members.length, 1)
  }
)
