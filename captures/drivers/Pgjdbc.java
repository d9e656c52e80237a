// pgjdbc, a connection a line of standard input: host, port, sslmode and root file ("" for none), tabs between them.
// Out comes accept, plaintext or refuse, and what was printed. Names lead where -Djdk.net.hosts.file says.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;

public class Pgjdbc {
    static String connect(String host, String port, String sslmode, String roots) {
        String url = "jdbc:postgresql://" + host + ":" + port + "/postgres?user=app&password=not-a-secret";
        if (!sslmode.isEmpty()) url += "&sslmode=" + sslmode;
        if (!roots.isEmpty()) url += "&sslrootcert=" + URLEncoder.encode(roots, StandardCharsets.UTF_8);
        try (Connection connection = DriverManager.getConnection(url);
             ResultSet rows = connection.createStatement()
                 .executeQuery("select ssl from pg_stat_ssl where pid = pg_backend_pid()")) {
            rows.next();
            return (rows.getBoolean(1) ? "accept" : "plaintext") + "\t";
        } catch (Exception error) {
            return "refuse\t" + String.valueOf(error.getMessage()).replace("\n", "\\n");
        }
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] asked = line.split("\t", -1);
            System.out.println(connect(asked[0], asked[1], asked[2], asked[3]));
            System.out.flush();
        }
    }
}
