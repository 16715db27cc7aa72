// For tests that make network namespaces: left out, with the reason, where this is not root on Linux. CI counts that as failed.

const isRoot = process.platform === 'linux' && process.getuid?.() === 0

/** Options of a test that needs root. */
export const needsRoot = { skip: isRoot ? false : 'needs root on Linux' }
