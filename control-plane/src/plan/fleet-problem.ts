export interface FleetProblem {
  /** 'critical': something that should work does not; 'warning': it works, with less room than it should have. */
  readonly severity: 'warning' | 'critical';
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
}
