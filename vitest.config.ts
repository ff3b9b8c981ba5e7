import { defineConfig } from "vitest/config"

/**
 * A loaded machine lets a process stand still for many seconds, and no test is about time: what is
 * waited for may come late.
 */
const patience = { expect: { poll: { timeout: 60_000, interval: 20 } } }

/** `unit` is fast and touches no disk; `suites` and `stories` use real disks, QEMU and servers. */
export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "test/*.test.ts"],
          sequence: { groupOrder: 1, shuffle: true },
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...patience,
        },
      },
      {
        test: {
          name: "suites",
          include: ["test/suites/**/*.test.ts"],
          sequence: { groupOrder: 2 },
          // Guests that boot wait as much as they work.
          maxWorkers: 3,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          ...patience,
        },
      },
      {
        test: {
          name: "stories",
          include: ["test/stories/**/*.test.ts"],
          sequence: { groupOrder: 2 },
          maxWorkers: 3,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          ...patience,
        },
      },
    ],
  },
})
