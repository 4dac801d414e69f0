/** Every target, by the code that it is about. */
import { compressedBlocks, recordBatches } from './batch-targets.ts'
import type { FuzzTarget } from './fuzz.ts'
import { kafkaRequests, kafkaResponses } from './kafka-targets.ts'
import { recovery } from './recovery-target.ts'
import { rocketmqCommands, sqlFilters } from './rocketmq-targets.ts'
import {
  descriptions,
  indexBlocks,
  segments,
  snapshots,
  stateEntries,
  stateKeys
} from './storage-targets.ts'
import {
  clientBatches,
  compressedBodies,
  kafkaRecords,
  properties,
  storedMessages
} from './translate-targets.ts'

export const fuzzTargets: readonly FuzzTarget[] = [
  ...[kafkaRequests, kafkaResponses, rocketmqCommands, sqlFilters],
  ...[recordBatches, compressedBlocks],
  ...[storedMessages, clientBatches, properties, kafkaRecords, compressedBodies],
  ...[stateEntries, stateKeys, descriptions, indexBlocks, snapshots, segments],
  recovery
]
