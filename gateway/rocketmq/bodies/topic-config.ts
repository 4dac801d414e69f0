import { bool, defaulted, int, struct, table, text } from '../codec/index.ts'
import { dataVersion } from './data-version.ts'

/** A topic's settings. */
export const topicConfig = struct({
  topicName: text,
  readQueueNums: defaulted(int, 16),
  writeQueueNums: defaulted(int, 16),
  /** Bits: 4 read, 2 write, 1 inherit. */
  perm: defaulted(int, 6),
  /** SINGLE_TAG or MULTI_TAG. */
  topicFilterType: defaulted(text, 'SINGLE_TAG'),
  topicSysFlag: defaulted(int, 0),
  order: defaulted(bool, false),
  /** Told without a sign (`message.type`); asked for with one (`+message.type`). */
  attributes: table(text)
})

/** All topics' settings, by topic. Without the field totalTopicNum in the header this is all there is. */
export const topicConfigTable = struct({
  topicConfigTable: table(topicConfig),
  dataVersion
})
