@rem npm start uses the shell's exec, so that a signal to npm reaches the stack itself. Windows has no exec: this is it.
@%*
