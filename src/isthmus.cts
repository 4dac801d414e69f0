#!/usr/bin/env node
// The command. Files, LevelDB and DNS share libuv's pool, which has 4 threads unless the environment says otherwise
// before its first use. Node's ESM loader uses it before the first line of an ESM program runs; the CommonJS loader
// does not. So this one file is CommonJS: no second process, no time lost (test/src/thread-pool.test.ts shows it).
const v8: typeof import('node:v8') = require('node:v8')

process.env.UV_THREADPOOL_SIZE ??= '16'
// Loading the program would let the young generation grow to its most, which an idle server would then hold for good:
// some 17 MB. cli/serve.ts lets it grow again once the server has work (test/src/young-generation.test.ts shows it).
v8.setFlagsFromString('--semi-space-growth-factor=1')

void import('./main.ts')
