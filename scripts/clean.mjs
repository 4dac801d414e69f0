// Removes dist: tsc leaves the output of deleted files behind, and stale tests would still run.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
