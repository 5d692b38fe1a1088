"""`python -m korscideberta …` is the same program as the installed `korsci …`."""

from korscideberta.commands import main

if __name__ == "__main__":
    main()
