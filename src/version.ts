/** The version that the package's own package.json names. */
import { createRequire } from 'node:module'

const description = createRequire(import.meta.url)('../../package.json') as { version: string }

export const version: string = description.version
