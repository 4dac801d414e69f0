import type { Test } from 'tap'
import {
  aReaderFromTheEndGetsWhatIsNew,
  aTopicIsMadeByProducing,
  everyCodecKeepsEveryRecord,
  offsetsAreFoundByTime
} from './content.ts'
import type { ScenarioContext } from './context.ts'
import { aRemadeTopicIsNew, offsetsOutliveTheServer, twoMembersShareATopic } from './groups.ts'

export interface Scenario {
  name: string
  /** Left out for a client without an admin client. */
  needsAdmin: boolean
  run(t: Test, context: ScenarioContext): Promise<void>
}

export const scenarios: readonly Scenario[] = [
  { name: 'every codec keeps every record', needsAdmin: false, run: everyCodecKeepsEveryRecord },
  {
    name: 'a reader from the end gets what is new',
    needsAdmin: false,
    run: aReaderFromTheEndGetsWhatIsNew
  },
  { name: 'a topic is made by producing', needsAdmin: false, run: aTopicIsMadeByProducing },
  { name: 'offsets are found by time', needsAdmin: true, run: offsetsAreFoundByTime },
  {
    name: 'two members share a topic; one leaves, one dies, one comes back',
    needsAdmin: false,
    run: twoMembersShareATopic
  },
  { name: 'a topic deleted and made again is new', needsAdmin: true, run: aRemadeTopicIsNew },
  {
    name: 'offsets outlive a stop and a kill of the server',
    needsAdmin: false,
    run: offsetsOutliveTheServer
  }
]
