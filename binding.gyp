{
  'target_defaults': {
    'cflags': ['-std=gnu11', '-O2', '-Wall', '-Wextra'],
    'xcode_settings': { 'GCC_C_LANGUAGE_STANDARD': 'gnu11', 'GCC_OPTIMIZATION_LEVEL': '2' },
  },
  'conditions': [
    ['OS != "win"', {
      'targets': [
        {
          # Mode "process": one library, served over a socket, in a process without JavaScript.
          'target_name': 'runner',
          'type': 'executable',
          'sources': [
            'native/runner/main.c',
            'native/runner/answers.c',
            'native/runner/area.c',
            'native/runner/crash.c',
            'native/runner/execute.c',
            'native/runner/fault.c',
            'native/runner/frames.c',
            'native/runner/guard.c',
            'native/runner/library.c',
            'native/runner/memory.c',
            'native/runner/replies.c',
            'native/runner/threads.c',
            'native/runner/watch.c',
            'native/runner/workers.c',
            'native/invoke/invoke.c',
          ],
          # Its own unwinder, so that it does not load another library at each start.
          'conditions': [['OS == "linux"', { 'libraries': ['-ldl', '-lpthread'], 'ldflags': ['-static-libgcc'] }]],
        },
        {
          # Modes "thread" and "inline": handlers called on threads of our own, answers drained in batches.
          'target_name': 'addon',
          'sources': [
            'native/addon/addon.c',
            'native/addon/area.c',
            'native/addon/arguments.c',
            'native/addon/body_parts.c',
            'native/addon/claims.c',
            'native/addon/deliver.c',
            'native/addon/environment.c',
            'native/addon/hub.c',
            'native/addon/inline.c',
            'native/addon/job.c',
            'native/addon/lane.c',
            'native/addon/lane_calls.c',
            'native/addon/lane_end.c',
            'native/addon/signals.c',
            'native/addon/status.c',
            'native/addon/symbols.c',
            'native/invoke/invoke.c',
          ],
          'defines': ['NAPI_VERSION=8'],
        },
      ],
    }],
  ],
}
