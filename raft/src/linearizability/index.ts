/** The public door of the checker: was a history of concurrent operations linearizable? */
export type {
  LinearizabilityLimits,
  LinearizabilityVerdict,
  LinearizabilityViolation,
} from './check-linearizability.ts';
export { checkLinearizability } from './check-linearizability.ts';
export { explainViolation } from './explain-violation.ts';
export type { Operation, SequentialModel } from './sequential-model.ts';
