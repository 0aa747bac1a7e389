/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // import() names the compiled file.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '\\.ts$': '<rootDir>/test/support/transform.js' },
  globalSetup: '<rootDir>/test/support/build.ts',
  testTimeout: 60_000,
  maxWorkers: 2,
};
