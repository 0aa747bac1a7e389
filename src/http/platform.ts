/**
 * Why the plugin endpoint does not exist on this platform; undefined where it does. There is no System V or AAPCS64 calling
 * convention on Windows, which the contract's optional parameters stand on, and prestd has no plugins there either.
 */
export function endpointUnsupported(platform: NodeJS.Platform = process.platform): string | undefined {
  return platform === 'win32'
    ? 'the plugin endpoint is off: plugins need Linux or macOS, this is Windows. Use WSL or a container to serve plugins'
    : undefined;
}
