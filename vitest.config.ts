import { defineConfig } from 'vitest/config'

/** Three projects, run one after the other by `npm test`: `unit` on all cores, the ones with real processes file by file. */
export default defineConfig({
  test: {
    // A test that cannot end by itself must not hold the others up.
    teardownTimeout: 10_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.{ts,tsx}',
            'examples/**/*.test.ts',
            'tests/*.test.ts',
            'tests/{tidy,sim}/**/*.test.ts',
          ],
          // Modules keep no state of their own, so files can share a process: a third of the time of isolated ones.
          pool: 'forks',
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      realProcesses('e2e', 'tests/e2e/**/*.test.ts'),
      realProcesses('browser', 'tests/browser/**/*.test.ts'),
    ],
  },
})

// Servers, databases and browsers of two files at once would measure each other.
function realProcesses(name: string, include: string) {
  return {
    test: {
      name,
      include: [include],
      pool: 'forks' as const,
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 180_000,
    },
  }
}
