#!/usr/bin/env node
// The command. Files, LevelDB and DNS share libuv's pool, which has 4 threads unless the environment says otherwise
// before its first use. Node's ESM loader uses it before the first line of an ESM program runs; the CommonJS loader
// does not. So this one file is CommonJS: no second process, no time lost (test/src/thread-pool.test.ts shows it).
process.env.UV_THREADPOOL_SIZE ??= '16'

void import('./main.ts')
