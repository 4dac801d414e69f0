/** What a server asks of the machine that it runs on. A test puts its own in its place. */
import { type OpenOptions, realFileSystem, systemClock, systemRandom } from '../storage/index.ts'
import { readBootId } from './boot-id.ts'

export interface World
  extends Pick<OpenOptions, 'fileSystem' | 'clock' | 'random' | 'openIndex' | 'turns'> {
  /** Names this boot of the machine; '' if it cannot be known. */
  readBootId(): Promise<string>
}

export const thisMachine: World = {
  fileSystem: realFileSystem,
  clock: systemClock,
  random: systemRandom,
  readBootId
}
