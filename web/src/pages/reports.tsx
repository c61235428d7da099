import { PageTitle } from '../ui/parts';

export function Reports() {
  return (
    <>
      <PageTitle title="Reports" />
      <p class="box">This service has no reports.</p>
    </>
  );
}
