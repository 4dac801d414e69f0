/**
 * What a broker changes in the properties of a message that is sent to it. As RocketMQ 5.3.3's answers show it:
 * MSG_REGION, TRACE_ON and CLUSTER are the broker's whatever the sender wrote; UNIQ_KEY is made where there is none
 * (or an empty one); a sender's POP_CK goes. WAIT is about the send alone and goes too, as in 4.9; 5.3.3 means to drop
 * it and happens to store it. RocketMQ loses the order of the properties and what is none; here both stay.
 *
 * In a batch each message gets these edits. RocketMQ appends the envelope's properties to each instead, its UNIQ_KEY
 * too, so that its consumers see other ids than the sender was told; here the ids are the sender's.
 */
import { editedProperties, formatProperties, propertyOf } from './properties.ts'
import {
  clusterName,
  popCheckpointName,
  regionName,
  traceSwitchName,
  uniqueKeyName,
  waitName
} from './property-names.ts'

export interface BrokerMarks {
  /** RocketMQ's regionId; `DefaultRegion` in a real one. */
  readonly region: string
  readonly traceOn: boolean
  readonly cluster: string
}

export interface EditedProperties {
  readonly properties: Buffer
  /** The sender's, or the one made. */
  readonly uniqueKey: string
}

/** `newUniqueKey` is called where the sender gave none. Never throws. */
export function editSentProperties(
  sent: Buffer,
  marks: BrokerMarks,
  newUniqueKey: () => string
): EditedProperties {
  const given = propertyOf(sent, uniqueKeyName)
  const uniqueKey = given ?? newUniqueKey()
  let added = marksBytes(marks)
  if (given === undefined) {
    added = Buffer.concat([added, formatProperties([[uniqueKeyName, uniqueKey]])])
  }
  return { properties: editedProperties(sent, replaced, added), uniqueKey }
}

const replaced: readonly Buffer[] = [
  regionName,
  traceSwitchName,
  clusterName,
  waitName,
  popCheckpointName
].map((name) => Buffer.from(name))

/** A broker has one set of marks for all messages. */
const marksMade = new WeakMap<BrokerMarks, Buffer>()

function marksBytes(marks: BrokerMarks): Buffer {
  const made = marksMade.get(marks)
  if (made !== undefined) return made
  const bytes = formatProperties([
    [regionName, marks.region],
    [traceSwitchName, String(marks.traceOn)],
    [clusterName, marks.cluster]
  ])
  marksMade.set(marks, bytes)
  return bytes
}
