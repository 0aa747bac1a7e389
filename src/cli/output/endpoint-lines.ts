import type { Listed } from '../../host/listing';

/**
 * The endpoints of a plugin, each as a line that can be pasted into a shell.
 * @param url of the server, without a slash at its end
 */
export function endpointLines({ name, endpoints, declaresRoutes, error }: Listed, url: string): string[] {
  if (error !== undefined) return [`  # ${error.message}`];
  if (endpoints.length === 0 && declaresRoutes) return [`  # ${name}: routes of its own`];
  if (endpoints.length === 0) return [`  # ${name}: no handlers, see: dlserve inspect`];
  return endpoints.map(({ method, path }) => `  ${curl(method)}${url}${path}`);
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
