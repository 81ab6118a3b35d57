export * from './ports.ts';
export { startDriver } from './start-driver.ts';
