import type { Listed } from '../../host/listing';

/** More endpoints than this are counted, not listed. */
const MOST = 40;

/**
 * The endpoints of a server, each as a line that can be pasted into a shell.
 * @param url of the server, without a slash at its end
 */
export function endpointLines(plugins: readonly Listed[], url: string, pluginpath: string): string {
  if (plugins.length === 0) {
    return `\nNo plugins in ${pluginpath} yet. Write one: dlserve new hello --lang c`;
  }
  const lines = plugins.flatMap(({ name, endpoints, declaresRoutes, error }) => [
    ...endpoints.map(({ method, path }) => `  ${curl(method)}${url}${path}`),
    ...(error === undefined ? [] : [`  # ${error.message}`]),
    ...(error === undefined && endpoints.length === 0 && !declaresRoutes ? [`  # ${name}: no handlers, see: dlserve inspect`] : []),
  ]);
  const rest = lines.length > MOST ? [`  ... and ${lines.length - MOST} more`] : [];
  return ['', ...lines.slice(0, MOST), ...rest].join('\n');
}

function curl(method: string): string {
  switch (method) {
    case 'GET':
      return 'curl ';
    case 'HEAD':
      return 'curl -I ';
    case 'POST':
    case 'PUT':
    case 'PATCH':
      return `curl -X ${method} -d 'text' `;
    default:
      return `curl -X ${method} `;
  }
}
