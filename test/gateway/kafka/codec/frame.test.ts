import t from 'tap'
import {
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type InputOf,
  ProtocolError,
  Reader,
  readRequestBody,
  readRequestHeader
} from '../../../../gateway/kafka/codec/index.ts'
import { apiVersionsResponse } from '../../../../gateway/kafka/schemas/api-versions.ts'
import { fetchRequest, fetchResponse } from '../../../../gateway/kafka/schemas/fetch.ts'
import { produceRequest } from '../../../../gateway/kafka/schemas/produce.ts'

const fetchBody: InputOf<typeof fetchRequest> = {
  maxWaitMs: 500,
  minBytes: 1,
  topics: [
    {
      topic: 'orders',
      partitions: [{ partition: 3, fetchOffset: 0x1_0000_0002, partitionMaxBytes: 1048576 }]
    }
  ]
}

function frameOf(chunks: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(chunks)
  if (whole.readInt32BE(0) !== whole.length - 4) throw new Error('frame length is wrong')
  return whole.subarray(4)
}

t.test('a fetch request of version 12 is laid out as KIP-482 says', async (t) => {
  const header = { correlationId: 7, clientId: 'me' }
  const frame = frameOf(encodeRequest(fetchRequest, 12, header, fetchBody))
  t.equal(
    frame.toString('hex'),
    [
      '0001 000c 00000007 0002 6d65 00', // header v2
      'ffffffff 000001f4 00000001 7fffffff 00 00000000 ffffffff',
      '02 07 6f7264657273 02 00000003 ffffffff 0000000100000002 ffffffff',
      'ffffffffffffffff 00100000 00 00',
      '01 01 00'
    ]
      .join('')
      .replaceAll(' ', '')
  )
  const reader = new Reader(frame)
  t.strictSame(readRequestHeader(reader), {
    apiKey: 1,
    version: 12,
    correlationId: 7,
    clientId: 'me'
  })
  const body = readRequestBody(fetchRequest, 12, reader)
  t.equal(reader.remaining, 0)
  t.equal(body.topics[0]?.partitions[0]?.fetchOffset, 0x1_0000_0002)
  t.equal(body.rackId, '')
  t.equal(body.clusterId, null)
  t.equal(body.topics[0]?.topicId, '0'.repeat(32), 'absent in this version: the fallback')
  t.equal(body.topics[0]?.partitions[0]?.highWatermark, 0x7fffffffffffffffn)
})

t.test('records are passed on by reference, and read as a view', async (t) => {
  const chunks = [Buffer.from('abc'), Buffer.from('defg')]
  const encoded = encodeResponse(fetchResponse, 11, 1, {
    responses: [
      {
        topic: 'x',
        partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 5, records: chunks }]
      }
    ]
  })
  t.ok(encoded.includes(chunks[0]!) && encoded.includes(chunks[1]!), 'the same buffers')
  const { body, correlationId } = decodeResponse(fetchResponse, 11, frameOf(encoded))
  t.equal(correlationId, 1)
  t.equal(body.responses[0]?.partitions[0]?.records?.toString(), 'abcdefg')
})

t.test('every truncation is refused', async (t) => {
  for (const version of [4, 11, 12, 18]) {
    const header = { correlationId: 7, clientId: null }
    const frame = frameOf(encodeRequest(fetchRequest, version, header, fetchBody))
    const accepted: number[] = []
    for (let end = 0; end < frame.length; end++) {
      try {
        const reader = new Reader(frame.subarray(0, end))
        readRequestHeader(reader)
        readRequestBody(fetchRequest, version, reader)
        accepted.push(end)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
      }
    }
    t.strictSame(accepted, [])
  }
})

t.test('an array longer than its frame is refused before it is allocated', async (t) => {
  const frame = Buffer.from('ffff 0001 00000000 7fffffff'.replaceAll(' ', ''), 'hex')
  t.throws(() => readRequestBody(produceRequest, 3, new Reader(frame)), ProtocolError)
})

t.test('ApiVersions answers never have a flexible header', async (t) => {
  const frame = frameOf(encodeResponse(apiVersionsResponse, 3, 9, { errorCode: 0, apiKeys: [] }))
  t.equal(frame.toString('hex'), '00000009 0000 01 00000000 00'.replaceAll(' ', ''))
})

t.test('a value that does not fit its field is refused', async (t) => {
  const encode = (correlationId: number, maxWaitMs: number): Buffer[] =>
    encodeRequest(fetchRequest, 4, { correlationId, clientId: null }, { ...fetchBody, maxWaitMs })
  t.throws(() => encode(0, 2 ** 31), TypeError)
  t.throws(() => encode(0, 1.5), TypeError)
  t.doesNotThrow(() => encode(0, 1))
})
