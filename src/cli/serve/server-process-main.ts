import { runServerProcess } from './secondary';

/** The program of a server process: without a command line, its primary tells it what to do. */
void runServerProcess();
