/** For every wait in a test together, each of which has its own limit; and the first to ask makes the machines for all. */
export const LAB_TEST_MS_MAX = 900_000;
