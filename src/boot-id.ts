/** Which boot of the machine this is: after another one, the page cache is not what it was. */
import { readFile } from 'node:fs/promises'

/** Linux names every boot; '' where there is no such name, and nothing is concluded then. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return ''
  }
}
