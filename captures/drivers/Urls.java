// pgjdbc's own reading of a URL: for each argument a line with host, port, database and sslmode, tabs between them; "null" for none.

import java.util.Properties;
import org.postgresql.Driver;

public class Urls {
    public static void main(String[] urls) {
        for (String url : urls) {
            Properties read = Driver.parseURL(url, new Properties());
            System.out.println(read == null ? "null" : String.join("\t", read.getProperty("PGHOST"),
                read.getProperty("PGPORT"), read.getProperty("PGDBNAME"), read.getProperty("sslmode", "")));
        }
    }
}
