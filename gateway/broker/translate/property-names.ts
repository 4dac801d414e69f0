/** Names of properties that RocketMQ gives a meaning (MessageConst of 5.3.3), and those that this server makes. */

export const keysName = 'KEYS'
export const tagsName = 'TAGS'
export const uniqueKeyName = 'UNIQ_KEY'
export const regionName = 'MSG_REGION'
export const traceSwitchName = 'TRACE_ON'
export const clusterName = 'CLUSTER'
export const waitName = 'WAIT'
export const popCheckpointName = 'POP_CK'
/** Where a message that waits belongs. */
export const realTopicName = 'REAL_TOPIC'
export const realQueueName = 'REAL_QID'
/** A delay level, 1 to 18; 0 and less are none. */
export const delayLevelName = 'DELAY'
/** When RocketMQ's time wheel lets go of a message; one that says so was in it before. */
export const timerOutName = 'TIMER_OUT_MS'
/** Between the keys of KEYS. */
export const keySeparator = ' '

/** Properties that say how a Kafka record was, and Kafka headers under another name, begin so. */
export const kafkaPrefix = 'KAFKA_'

/** Clients and brokers use them among themselves; never stored. */
const transientPrefix = '__RMQ.TRANSIENT.'

/** A record's header of such a name would drive RocketMQ's machinery. TAGS is not here: it works as a tag. */
export function drivesRocketmq(name: string): boolean {
  return machinery.has(name) || name.startsWith(transientPrefix)
}

const machinery: ReadonlySet<string> = new Set([
  keysName,
  uniqueKeyName,
  regionName,
  traceSwitchName,
  clusterName,
  waitName,
  popCheckpointName,
  '1ST_POP_TIME',
  'ARRIVE_TIME',
  'BORN_TIMESTAMP',
  'BUYER_ID',
  'CHECK_IMMUNITY_TIME_IN_SECONDS',
  'CONSUME_START_TIME',
  'CORRECTION_FLAG',
  'CORRELATION_ID',
  delayLevelName,
  'DLQ_ORIGIN_MESSAGE_ID',
  'DLQ_ORIGIN_TOPIC',
  'DUP_INFO',
  'EXTEND_UNIQ_INFO',
  'INNER_BASE',
  'INNER_MULTI_DISPATCH',
  'INNER_MULTI_QUEUE_OFFSET',
  'INNER_NUM',
  'INSTANCE_ID',
  'MAX_OFFSET',
  'MAX_RECONSUME_TIMES',
  'MIN_OFFSET',
  'MQ2_FLAG',
  'MSG_TYPE',
  'ORIGIN_MESSAGE_ID',
  'PGROUP',
  'POP_CK_OFFSET',
  'PROPERTY_FORWARD_QUEUE_ID',
  'PUSH_REPLY_TIME',
  realQueueName,
  realTopicName,
  'RECONSUME_TIME',
  'REDIRECT',
  'REPLY_TO_CLIENT',
  'RETRY_TOPIC',
  'TIMER_DELAY_LEVEL',
  'TIMER_DELAY_MS',
  'TIMER_DELAY_SEC',
  'TIMER_DELIVER_MS',
  'TIMER_DEL_UNIQKEY',
  'TIMER_DEQUEUE_MS',
  'TIMER_ENQUEUE_MS',
  timerOutName,
  'TIMER_ROLL_TIMES',
  'TRACE_CONTEXT',
  'TRANSACTION_CHECK_TIMES',
  'TRANSFER_FLAG',
  'TRAN_MSG',
  'TRAN_PREPARED_QUEUE_OFFSET',
  'TTL',
  '__BORNHOST',
  '__CRC32#',
  '__SHARDINGKEY',
  '__transactionId__'
])
