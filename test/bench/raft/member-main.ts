/**
 * One member of the measured group, in a process of its own: the product's consensus, its log on disk and its messages
 * over gRPC, with a state machine that only counts. It does what its parent says, and ends with it.
 */
import { type MemberOrders, startBenchMember } from './bench-member.ts';

const [id, folder, security, ...addresses] = process.argv.slice(2);
if (id === undefined || folder === undefined || security === undefined)
  throw new Error('Started without its arguments');
const member = await startBenchMember({ id: Number(id), folder, addresses, security });
process.on('disconnect', () => process.exit());
process.on('message', (order: MemberOrders) => {
  if (order.kind === 'stop') void member.stop().then(() => process.exit());
  else {
    member.run(order.load).then(
      (result) => process.send?.({ kind: 'result', result }),
      (error: Error) => process.send?.({ kind: 'failed', reason: error.message }),
    );
  }
});
process.send?.({ kind: 'up' });
